# Cancels a restart. Exit codes: 0 cancelled, 1 Windows refused, 5 none was scheduled.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
& "$env:SystemRoot\System32\shutdown.exe" /a
# 1116: no shutdown is in progress (ERROR_NO_SHUTDOWN_IN_PROGRESS).
if ($LASTEXITCODE -eq 1116) { Stop-With 5 'none was scheduled' }
if ($LASTEXITCODE -ne 0) { Stop-With 1 "Windows answered $LASTEXITCODE" }
Write-Output 'cancelled'
