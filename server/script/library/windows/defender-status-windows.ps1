# Shows the antivirus. Exit codes: 0 shown, 4 Defender does not answer.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$products = @(Get-CimInstance -Namespace 'root/SecurityCenter2' -ClassName AntiVirusProduct -ErrorAction SilentlyContinue | ForEach-Object { $_.displayName })
Field 'products' ($products -join ', ')
try { $status = Get-MpComputerStatus } catch { Stop-With 4 "Defender does not answer: $($_.Exception.Message)" }
Say "Defender $($status.AMProductVersion), definitions $($status.AntivirusSignatureVersion)"
Say "antivirus on: $($status.AntivirusEnabled), watches: $($status.RealTimeProtectionEnabled), guarded against change: $($status.IsTamperProtected)"
# 4294967295 days: never.
$never = [uint32]::MaxValue
Flag 'running' ($status.AntivirusEnabled -and $status.RealTimeProtectionEnabled)
if ($status.AntivirusSignatureAge -lt $never) { Field 'definitions_age_days' $status.AntivirusSignatureAge }
if ($status.QuickScanAge -lt $never) { Field 'quick_scan_age_days' $status.QuickScanAge }
Say "full scan: $(if ($status.FullScanAge -lt $never) { "$($status.FullScanAge) days ago" } else { 'never' })"
