# Cancels a restart. Exit codes: 0 cancelled, 1 Windows refused, 5 none was scheduled.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
& "$env:SystemRoot\System32\shutdown.exe" /a
# 1116: no shutdown is in progress (ERROR_NO_SHUTDOWN_IN_PROGRESS).
if ($LASTEXITCODE -eq 1116) { Stop-With 5 'none was scheduled' }
if ($LASTEXITCODE -ne 0) { Stop-With 1 "Windows answered $LASTEXITCODE" }
Say 'cancelled'
