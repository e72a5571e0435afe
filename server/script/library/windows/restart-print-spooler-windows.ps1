# Restarts the print spooler. Exit codes: 0 it runs, 1 it does not, 3 this machine has none.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$clear = $env:VIGIA_PARAM_CLEAR -eq 'true'
$spooler = Get-Service -Name 'Spooler' -ErrorAction SilentlyContinue
if ($null -eq $spooler) { Stop-With 3 'this machine has no print spooler' }
if ($spooler.StartType -eq 'Disabled') { Stop-With 1 'the print spooler is disabled' }
$folder = Join-Path $env:SystemRoot 'System32\spool\PRINTERS'
$files = @(Get-ChildItem -LiteralPath $folder -File -Force -ErrorAction SilentlyContinue |
    Where-Object { $_.Extension -in '.SPL', '.SHD' })
if ($dryRun) {
  Say "would restart the spooler$(if ($clear) { " and take $($files.Count) files away" })"
  exit 0
}
# What depends on it, such as Fax, stops with it and does not start by itself.
$dependent = @($spooler.DependentServices | Where-Object { $_.Status -eq 'Running' } | ForEach-Object { $_.Name })
$gone = 0
try {
  if ($spooler.Status -ne 'Stopped') { Stop-Service -InputObject $spooler -Force }
  $spooler.WaitForStatus('Stopped', [TimeSpan]::FromSeconds(60))
  if ($clear) {
    foreach ($file in $files) {
      try { [IO.File]::Delete($file.FullName); $gone += 1 } catch { Say "still in use: $($file.Name)" }
    }
  }
  Start-Service -InputObject $spooler
  $spooler.WaitForStatus('Running', [TimeSpan]::FromSeconds(60))
  foreach ($other in $dependent) { Start-Service -Name $other }
}
catch { [Console]::Error.WriteLine("$($_.Exception.Message)") }
Start-Sleep -Seconds 2
$spooler.Refresh()
Field 'removed_count' $gone
Field 'state' $spooler.Status
if ($spooler.Status -ne 'Running') { Stop-With 1 'the print spooler does not run' }
Say 'the print spooler runs'
