# Installs updates. Exit codes: 0 installed, 1 one failed, 4 not now, 5 none was missing, 6 too little space.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$scope = $env:VIGIA_PARAM_SCOPE
$drive = Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($env:SystemDrive)'"
if ($null -ne $drive -and $drive.FreeSpace -lt 5368709120) { Stop-With 6 'refused: less than 5 GB is free on the drive of the system' }
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Vigia'
$result = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and BrowseOnly=0 and Type='Software'")
# 2 succeeded, 3 succeeded with errors (OperationResultCode).
if ($result.ResultCode -notin 2, 3) { Stop-With 1 "the search ended with $($result.ResultCode)" }
# Categories by their number, since their names are translated: security updates, and new releases of Windows.
$security = '0fa1201d-4330-4fa8-8ae9-b877473b6441'
$release = '3689bdc8-b205-4af4-8d4a-a63924c5e9d5'
$wanted = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $result.Updates) {
  $kinds = @($update.Categories | ForEach-Object { $_.CategoryID })
  if ($kinds -contains $release -or $update.InstallationBehavior.CanRequestUserInput) { continue }
  if ($scope -ne 'all' -and "$($update.MsrcSeverity)" -eq '' -and $kinds -notcontains $security) { continue }
  [void]$wanted.Add($update)
  Say $update.Title
}
if ($wanted.Count -eq 0) { Stop-With 5 'no update of that kind is missing' }
if ($dryRun) {
  Say "would install $($wanted.Count) updates"
  exit 0
}
$installer = $session.CreateUpdateInstaller()
if ($installer.IsBusy) { Stop-With 4 'Windows installs updates already' }
if ($installer.RebootRequiredBeforeInstallation) { Stop-With 4 'Windows must be restarted first' }
for ($place = 0; $place -lt $wanted.Count; $place++) {
  $update = $wanted.Item($place)
  if (-not $update.EulaAccepted) { $update.AcceptEula() }
}
$downloader = $session.CreateUpdateDownloader()
$downloader.Updates = $wanted
[void]$downloader.Download()
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
