# Checks the volume VIGIA_PARAM_DRIVE. Exit codes: 0 no errors, 1 the scan failed, 2 there is no such volume, 6 errors were found.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$letter = $env:VIGIA_PARAM_DRIVE
if ($letter -notmatch '^[A-Za-z]$') { Stop-With 2 'refused: not a letter of a drive' }
if ($null -eq (Get-Volume -DriveLetter $letter -ErrorAction SilentlyContinue)) { Stop-With 2 "there is no volume $letter" }
try { $verdict = "$(Repair-Volume -DriveLetter $letter -Scan)" } catch { Stop-With 1 $_.Exception.Message }
Field 'verdict' $verdict
if ($verdict -eq 'NoErrorsFound') {
  Write-Output 'no errors'
  exit 0
}
if ($env:VIGIA_PARAM_MEND -eq 'true' -and -not $dryRun) {
  & "$env:SystemRoot\System32\fsutil.exe" dirty set "${letter}:" | Out-Null
  Flag 'mends_at_start' ($LASTEXITCODE -eq 0)
}
Stop-With 6 "errors were found: $verdict"
