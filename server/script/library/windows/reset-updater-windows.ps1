# Mends the updater. Exit codes: 0 its services run again, 1 one does not.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$services = 'wuauserv', 'bits', 'cryptsvc'
$stores = @(
  (Join-Path $env:SystemRoot 'SoftwareDistribution'),
  (Join-Path $env:SystemRoot 'System32\catroot2')
)
if ($dryRun) {
  Write-Output "would stop $($services -join ', ') and move aside: $($stores -join ', ')"
  exit 0
}
$stamp = (Get-Date).ToString('yyyyMMdd-HHmmss')
$was = @{}
foreach ($name in $services) {
  $service = Get-Service -Name $name
  $was[$name] = "$($service.Status)"
  if ($service.Status -ne 'Stopped') {
    Stop-Service -InputObject $service -Force
    $service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds(90))
  }
}
$moved = 0
try {
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
finally {
  foreach ($name in $services) { if ($was[$name] -eq 'Running' -or $name -ne 'wuauserv') { Start-Service -Name $name } }
}
Field 'moved_count' $moved
$silent = @($services | Where-Object { $was[$_] -eq 'Running' -and "$((Get-Service -Name $_).Status)" -ne 'Running' })
if ($silent.Count -gt 0) { Stop-With 1 "these do not run: $($silent -join ' ')" }
Write-Output 'Windows Update begins anew'
