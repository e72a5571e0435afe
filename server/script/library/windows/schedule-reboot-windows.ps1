# Schedules a restart. Exit codes: 0 scheduled, 1 Windows refused, 6 one is scheduled already, or people are signed in where that was not wanted.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$minutes = [int]$env:VIGIA_PARAM_MINUTES
$people = @(Get-CimInstance -ClassName Win32_Process -Filter "Name = 'explorer.exe'" | ForEach-Object {
    # The process may be gone meanwhile.
    $owner = Invoke-CimMethod -InputObject $_ -MethodName GetOwner -ErrorAction SilentlyContinue
    if ($null -ne $owner -and $owner.ReturnValue -eq 0) { "$($owner.Domain)\$($owner.User)" }
  } | Sort-Object -Unique)
Field 'signed_in' ($people -join ', ')
if ($env:VIGIA_PARAM_ONLY_UNUSED -eq 'true' -and $people.Count -gt 0) { Stop-With 6 "not scheduled: $($people -join ', ') signed in" }
$at = (Get-Date).AddMinutes($minutes).ToString('yyyy-MM-dd HH:mm', [Globalization.CultureInfo]::InvariantCulture)
if ($dryRun) {
  Say "would restart at $at"
  exit 0
}
# Windows PowerShell would let a backslash at the end take the quotation mark with it.
$words = "This computer restarts at $at. $($env:VIGIA_PARAM_MESSAGE) Save your work."
& "$env:SystemRoot\System32\shutdown.exe" /r /t ($minutes * 60) /d p:2:17 /c $words
# 1190: a shutdown is scheduled already (ERROR_SHUTDOWN_IS_SCHEDULED).
if ($LASTEXITCODE -eq 1190) { Stop-With 6 'one is scheduled already; cancel it first' }
if ($LASTEXITCODE -ne 0) { Stop-With 1 "Windows answered $LASTEXITCODE" }
Field 'restarts_at' $at
Say "restarts at $at"
