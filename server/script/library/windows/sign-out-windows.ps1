# Ends the session VIGIA_PARAM_SESSION of VIGIA_PARAM_USER. Exit codes: 0 ended, 1 it could not be, 2 the session is another person's, 5 there is no such session.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$session = [int]$env:VIGIA_PARAM_SESSION
$user = $env:VIGIA_PARAM_USER
# A session with a desktop has an Explorer of its owner.
$shell = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'explorer.exe' AND SessionId = $session")
if ($shell.Count -eq 0) { Stop-With 5 "there is no session $session with a desktop" }
$owner = Invoke-CimMethod -InputObject $shell[0] -MethodName GetOwner -ErrorAction SilentlyContinue
if ($null -eq $owner) { Stop-With 5 "session $session ends already" }
if ($owner.User -ne $user -and "$($owner.Domain)\$($owner.User)" -ne $user) { Stop-With 2 "refused: session $session is not of $user" }
if ($dryRun) {
  Say 'would end it'
  exit 0
}
& "$env:SystemRoot\System32\logoff.exe" $session
if ($LASTEXITCODE -ne 0) { Stop-With 1 "Windows answered $LASTEXITCODE" }
Say 'it is ended'
