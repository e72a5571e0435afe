# Synchronises the clock. Exit codes: 0 asked and answered, 1 the source did not answer, 4 the time service is disabled.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$service = Get-Service -Name 'W32Time'
if ($service.StartType -eq 'Disabled') { Stop-With 4 'the time service is disabled' }
if ($service.Status -ne 'Running') {
  Start-Service -InputObject $service
  $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(30))
}
# Its words are in the language of the machine; its exit code is not.
& "$env:SystemRoot\System32\w32tm.exe" /resync /rediscover
$code = $LASTEXITCODE
$source = (& "$env:SystemRoot\System32\w32tm.exe" /query /source) -join ' '
Field 'source' $source
if ($code -ne 0) { Stop-With 1 "the source of time did not answer (w32tm $code)" }
