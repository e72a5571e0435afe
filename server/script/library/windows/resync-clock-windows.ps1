# Synchronises the clock. Exit codes: 0 asked and answered, 1 the source did not answer, 4 the time service is disabled.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$service = Get-Service -Name 'W32Time'
if ($service.StartType -eq 'Disabled') { Stop-With 4 'the time service is disabled' }
if ($service.Status -ne 'Running') {
  Start-Service -InputObject $service
  $service.WaitForStatus('Running', [TimeSpan]::FromSeconds(30))
}
# Its words are in the language of the machine; its numbers are not.
& "$env:SystemRoot\System32\w32tm.exe" /resync /rediscover
$code = $LASTEXITCODE
$source = (& "$env:SystemRoot\System32\w32tm.exe" /query /source) -join ' '
if ($LASTEXITCODE -eq 0) { Field 'source' ($source.Trim()) }
if ($code -ne 0) { Stop-With 1 "the source of time did not answer (w32tm $code)" }
# It ends with 0 also where no source answered. The first number is the leap indicator, of which 3 is "not synchronised".
$status = (& "$env:SystemRoot\System32\w32tm.exe" /query /status) -join ' '
if ($LASTEXITCODE -ne 0) { Stop-With 1 "the time service does not tell its state (w32tm $LASTEXITCODE)" }
if ($status -match '^\D*3\D') { Stop-With 1 'no source of time answered: the clock is not synchronised' }
