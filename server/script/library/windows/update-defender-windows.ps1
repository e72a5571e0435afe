# Updates the definitions. Exit codes: 0 updated or current, 1 it failed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
try { Update-MpSignature } catch { Stop-With 1 "the update failed: $($_.Exception.Message)" }
$status = Get-MpComputerStatus
Field 'definitions' $status.AntivirusSignatureVersion
Field 'definitions_age_days' $status.AntivirusSignatureAge
Say "definitions $($status.AntivirusSignatureVersion), $($status.AntivirusSignatureAge) days old"
