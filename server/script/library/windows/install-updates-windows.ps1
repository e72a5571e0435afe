# Installs updates. Exit codes: 0 installed, 1 one failed, 5 none was missing, 6 too little space.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$scope = $env:VIGIA_PARAM_SCOPE
$drive = Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($env:SystemDrive)'"
if ($drive.FreeSpace -lt 5368709120) { Stop-With 6 'refused: less than 5 GB is free on the drive of the system' }
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Vigia'
$result = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type='Software'")
# 2 succeeded, 3 succeeded with errors (OperationResultCode).
if ($result.ResultCode -notin 2, 3) { Stop-With 1 "the search ended with $($result.ResultCode)" }
$wanted = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $result.Updates) {
  if ($scope -ne 'all' -and "$($update.MsrcSeverity)" -eq '') { continue }
  if ($update.InstallationBehavior.CanRequestUserInput) { continue }
  if (-not $update.EulaAccepted) { $update.AcceptEula() }
  [void]$wanted.Add($update)
  Write-Output $update.Title
}
if ($wanted.Count -eq 0) { Stop-With 5 'no update of that kind is missing' }
if ($dryRun) {
  Write-Output "would install $($wanted.Count) updates"
  exit 0
}
$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $wanted
[void]$downloader.Download()
$installer = $session.CreateUpdateInstaller()
$installer.Updates = $wanted
$outcome = $installer.Install()
$failed = 0
for ($place = 0; $place -lt $wanted.Count; $place++) {
  $one = $outcome.GetUpdateResult($place)
  if ($one.ResultCode -ne 2) {
    $failed += 1
    [Console]::Error.WriteLine(("{0}: result {1}, 0x{2:X8}" -f $wanted.Item($place).Title, $one.ResultCode, $one.HResult))
  }
}
Field 'installed_count' ($wanted.Count - $failed)
Field 'failed_count' $failed
Flag 'reboot_due' $outcome.RebootRequired
if ($failed -gt 0) { exit 1 }
