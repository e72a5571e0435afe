# Restarts the service VIGIA_PARAM_SERVICE. Exit codes: 0 it runs, 1 it does not, 2 it is refused, 3 there is no such service.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$name = $env:VIGIA_PARAM_SERVICE
if ($name -notmatch '^[A-Za-z0-9_.$@-]{1,80}$') { Stop-With 2 'refused: not a name of a service' }
# No character of a pattern is let through above.
$service = Get-Service -Name $name -ErrorAction SilentlyContinue
if ($null -eq $service) { Stop-With 3 "there is no service $name" }
if ("$($service.ServiceType)" -like '*Driver*') { Stop-With 2 'refused: a driver' }
if ($service.StartType -eq 'Disabled') { Stop-With 2 'refused: the service is disabled' }
if ($service.StartType -ne 'Automatic' -and $service.Status -eq 'Stopped') {
  Stop-With 2 'refused: it neither starts by itself nor runs'
}
$dependent = @($service.DependentServices | Where-Object { $_.Status -eq 'Running' } | ForEach-Object { $_.Name })
if ($dryRun) {
  Say "would restart $name ($($service.Status)), and with it: $($dependent -join ' ')"
  exit 0
}
try {
  if ($service.Status -ne 'Stopped') { Stop-Service -InputObject $service -Force }
  $service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds(60))
  Start-Service -InputObject $service
  $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(60))
  foreach ($other in $dependent) { Start-Service -Name $other }
}
catch { [Console]::Error.WriteLine("$($_.Exception.Message)") }
# One that ends again does so at once, mostly.
Start-Sleep -Seconds 2
$service.Refresh()
Field 'state' $service.Status
Field 'dependent' ($dependent -join ' ')
if ($service.Status -ne 'Running') { Stop-With 1 "$name does not run" }
Say "$name runs"
