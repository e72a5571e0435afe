# Shows the drives. Exit codes: 0 all are well, 1 one is not.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$bad = @()
$drives = @(Get-PhysicalDisk)
foreach ($drive in $drives) {
  $counter = Get-StorageReliabilityCounter -PhysicalDisk $drive -ErrorAction SilentlyContinue
  Say ("{0} {1} ({2}, {3} GB): {4}, {5}" -f $drive.DeviceId, $drive.FriendlyName, $drive.MediaType, [int]($drive.Size / 1073741824), $drive.HealthStatus, ($drive.OperationalStatus -join ' '))
  if ($null -ne $counter) { Say ("  wear {0} %, {1} C, {2} h, read errors {3}" -f $counter.Wear, $counter.Temperature, $counter.PowerOnHours, $counter.ReadErrorsUncorrected) }
  if ("$($drive.HealthStatus)" -ne 'Healthy') { $bad += $drive.FriendlyName }
}
Field 'drive_count' $drives.Count
Field 'failing' ($bad -join ', ')
if ($bad.Count -gt 0) { exit 1 }
