# Shows BitLocker. Exit codes: 0 shown, 3 this Windows has no BitLocker.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
if (-not (Get-Command -Name Get-BitLockerVolume -ErrorAction SilentlyContinue)) { Stop-With 3 'this Windows has no BitLocker' }
$volumes = @(Get-BitLockerVolume)
foreach ($volume in $volumes) {
  $kinds = @($volume.KeyProtector | ForEach-Object { $_.KeyProtectorType }) -join ' '
  Write-Output ("{0} {1}: {2}, {3} % encrypted, protectors: {4}" -f $volume.MountPoint, $volume.VolumeType, $volume.ProtectionStatus, $volume.EncryptionPercentage, $kinds)
}
$system = @($volumes | Where-Object { "$($_.VolumeType)" -eq 'OperatingSystem' })
$protected = @($system | Where-Object { "$($_.ProtectionStatus)" -eq 'On' })
$passwords = @($system | ForEach-Object { $_.KeyProtector } | Where-Object { "$($_.KeyProtectorType)" -eq 'RecoveryPassword' })
$plain = @($volumes | Where-Object { "$($_.ProtectionStatus)" -ne 'On' } | ForEach-Object { $_.MountPoint })
Flag 'system_protected' ($protected.Count -gt 0)
Field 'unprotected' ($plain -join ' ')
Flag 'has_recovery_password' ($passwords.Count -gt 0)
