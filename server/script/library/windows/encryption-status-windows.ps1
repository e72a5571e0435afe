# Shows BitLocker. Exit codes: 0 shown, 3 this Windows has no BitLocker.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
if (-not (Get-Command -Name Get-BitLockerVolume -ErrorAction SilentlyContinue)) { Stop-With 3 'this Windows has no BitLocker' }
$volumes = @(Get-BitLockerVolume)
foreach ($volume in $volumes) {
  $kinds = @(foreach ($protector in $volume.KeyProtector) { $protector.KeyProtectorType }) -join ' '
  Say ("{0} {1}: {2}, {3} % encrypted, protectors: {4}" -f $volume.MountPoint, $volume.VolumeType, $volume.ProtectionStatus, $volume.EncryptionPercentage, $kinds)
}
$system = @($volumes | Where-Object { "$($_.VolumeType)" -eq 'OperatingSystem' })
$protected = @($system | Where-Object { "$($_.ProtectionStatus)" -eq 'On' })
$passwords = @(foreach ($volume in $system) {
    foreach ($protector in $volume.KeyProtector) { if ("$($protector.KeyProtectorType)" -eq 'RecoveryPassword') { $protector.KeyProtectorId } }
  })
# Unknown is a volume that is locked: it is encrypted.
$plain = @($volumes | Where-Object { "$($_.ProtectionStatus)" -eq 'Off' } | ForEach-Object { $_.MountPoint })
Flag 'system_protected' ($protected.Count -gt 0)
Field 'unprotected' ($plain -join ' ')
Flag 'has_recovery_password' ($passwords.Count -gt 0)
