# Shows the antivirus. Exit codes: 0 shown, 4 Defender does not answer.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$products = @(Get-CimInstance -Namespace 'root/SecurityCenter2' -ClassName AntiVirusProduct -ErrorAction SilentlyContinue | ForEach-Object { $_.displayName })
Field 'products' ($products -join ', ')
try { $status = Get-MpComputerStatus } catch { Stop-With 4 "Defender does not answer: $($_.Exception.Message)" }
Write-Output ($status | Select-Object -Property 'AM*', 'Antivirus*', 'RealTime*', 'QuickScan*', 'FullScan*', 'IsTamperProtected' | Format-List | Out-String)
Flag 'running' ($status.AntivirusEnabled -and $status.RealTimeProtectionEnabled)
Field 'definitions_age_days' $status.AntivirusSignatureAge
Field 'quick_scan_age_days' $status.QuickScanAge
