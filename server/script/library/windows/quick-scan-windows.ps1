# Scans quickly. Exit codes: 0 nothing found, 1 the scan failed, 6 something was found.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
try { Start-MpScan -ScanType QuickScan } catch { Stop-With 1 "the scan failed: $($_.Exception.Message)" }
$since = (Get-Date).AddDays(-1)
$found = @(Get-MpThreatDetection | Where-Object { $_.InitialDetectionTime -ge $since })
foreach ($threat in $found | Select-Object -First 50) {
  Say ("{0:s} threat {1}: {2}" -f $threat.InitialDetectionTime, $threat.ThreatID, (@($threat.Resources) -join '; '))
}
Field 'found_count' $found.Count
if ($found.Count -gt 0) { Stop-With 6 'something was found: see what Defender did with it' }
Say 'nothing was found'
