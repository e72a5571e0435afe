# Mends the updater. Exit codes: 0 its services run again, 1 one does not, or it did not go through.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$services = 'wuauserv', 'bits', 'cryptsvc'
$stores = @(
  (Join-Path $env:SystemRoot 'SoftwareDistribution'),
  (Join-Path $env:SystemRoot 'System32\catroot2')
)
if ($dryRun) {
  Say "would stop $($services -join ', ') and move aside: $($stores -join ', ')"
  exit 0
}
$stamp = (Get-Date).ToString('yyyyMMdd-HHmmss', [Globalization.CultureInfo]::InvariantCulture)
$was = @{}
foreach ($name in $services) { $was[$name] = "$((Get-Service -Name $name).Status)" }
$moved = 0
$broken = $false
try {
  foreach ($name in $services) {
    $service = Get-Service -Name $name
    if ($service.Status -ne 'Stopped') {
      Stop-Service -InputObject $service -Force
      $service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds(90))
    }
  }
  foreach ($store in $stores) {
    $item = Get-Item -LiteralPath $store -Force -ErrorAction SilentlyContinue
    if ($null -eq $item -or ($item.Attributes -band [IO.FileAttributes]::ReparsePoint)) { continue }
    # What an earlier run moved aside is no longer wanted.
    foreach ($old in @(Get-ChildItem -LiteralPath $item.Parent.FullName -Directory -Force | Where-Object { $_.Name -like "$($item.Name).vigia-*" })) {
      [IO.Directory]::Delete($old.FullName, $true)
    }
    Rename-Item -LiteralPath $store -NewName "$($item.Name).vigia-$stamp"
    $moved += 1
  }
}
catch {
  $broken = $true
  [Console]::Error.WriteLine("$($_.Exception.Message)")
}
# Whatever went wrong, what ran runs again.
foreach ($name in $services) {
  if ($was[$name] -ne 'Running') { continue }
  try { Start-Service -Name $name } catch { [Console]::Error.WriteLine("$($_.Exception.Message)") }
}
Field 'moved_count' $moved
$silent = @($services | Where-Object { $was[$_] -eq 'Running' -and "$((Get-Service -Name $_).Status)" -ne 'Running' })
if ($silent.Count -gt 0) { Stop-With 1 "these do not run: $($silent -join ' ')" }
if ($broken) { Stop-With 1 'it did not go through; what ran before runs again' }
Say 'Windows Update begins anew'
