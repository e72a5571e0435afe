# Lists installed software. Exit codes: 0 listed, 5 none has that name.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$name = $env:VIGIA_PARAM_NAME
$places = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall', 'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall'
$all = @(foreach ($place in $places) {
    foreach ($key in @(Get-ChildItem -LiteralPath $place -ErrorAction SilentlyContinue)) {
      $display = $key.GetValue('DisplayName')
      if ($display -and $key.GetValue('SystemComponent') -ne 1) {
        New-Object psobject -Property @{ Name = "$display"; Version = "$($key.GetValue('DisplayVersion'))"; Publisher = "$($key.GetValue('Publisher'))" }
      }
    }
  })
$all = @($all | Sort-Object -Property 'Name', 'Version' -Unique)
# IndexOf takes the name as a text, in which no character is special.
$found = @($all | Where-Object { -not $name -or $_.Name.IndexOf($name, [StringComparison]::OrdinalIgnoreCase) -ge 0 })
foreach ($one in $found) { Say ("{0} {1} ({2})" -f $one.Name, $one.Version, $one.Publisher) }
Field 'program_count' $all.Count
Field 'found_count' $found.Count
if ($found.Count -eq 0) { Stop-With 5 'none has that name' }
if ($name) { Field 'version' $found[0].Version }
