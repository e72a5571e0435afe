# Checks the volume VIGIA_PARAM_DRIVE. Exit codes: 0 no errors, 1 the scan failed, 2 there is no such volume, 6 errors were found.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$letter = $env:VIGIA_PARAM_DRIVE
if ($letter -notmatch '^[A-Za-z]$') { Stop-With 2 'refused: not a letter of a drive' }
$volume = Get-Volume -DriveLetter $letter -ErrorAction SilentlyContinue
if ($null -eq $volume) { Stop-With 2 "there is no volume $letter" }
# A scan writes what it finds into a list on the volume, so a dry run makes none.
if ($dryRun) {
  Field 'verdict' $volume.HealthStatus
  Say "would scan $letter, which is $($volume.HealthStatus) by what Windows knows already"
  exit 0
}
try { $verdict = "$(Repair-Volume -DriveLetter $letter -Scan)" } catch { Stop-With 1 $_.Exception.Message }
Field 'verdict' $verdict
# The number behind the name is 0.
if ($verdict -in 'NoErrorsFound', '0') {
  Say 'no errors'
  exit 0
}
if ($env:VIGIA_PARAM_MEND -eq 'true') {
  & "$env:SystemRoot\System32\fsutil.exe" dirty set "${letter}:" | Out-Null
  Flag 'mends_at_start' ($LASTEXITCODE -eq 0)
}
Stop-With 6 "errors were found: $verdict"
