# Sums errors in the event logs. Exit codes: 0 summed, 1 they could not be read.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$hours = [int]$env:VIGIA_PARAM_HOURS
$since = (Get-Date).AddHours(-$hours)
$events = @(Get-WinEvent -FilterHashtable @{ LogName = 'System', 'Application'; Level = 1, 2; StartTime = $since } -MaxEvents 5000 -ErrorAction SilentlyContinue -ErrorVariable faults)
# That there is none is an error too.
$grave = @($faults | Where-Object { $_.FullyQualifiedErrorId -notlike 'NoMatchingEventsFound*' })
if ($events.Count -eq 0 -and $grave.Count -gt 0) { Stop-With 1 "the logs could not be read: $($grave[0])" }
$groups = @($events | Group-Object -Property 'ProviderName', 'Id' | Sort-Object -Property Count -Descending)
foreach ($group in $groups | Select-Object -First 40) {
  $newest = $group.Group[0]
  $words = "$($newest.Message)" -replace '\s+', ' '
  Say ("{0,5} times {1} {2}, last {3:s}: {4}" -f $group.Count, $newest.ProviderName, $newest.Id, $newest.TimeCreated, $words.Substring(0, [Math]::Min(200, $words.Length)))
}
Field 'error_count' $events.Count
Field 'kind_count' $groups.Count
# A blue screen leaves both, a power cut only the second: 1001, BugCheck, and 41, it stopped without being shut down.
$screens = @($events | Where-Object { $_.Id -eq 1001 -and $_.ProviderName -like '*WER-SystemErrorReporting' })
$stops = @($events | Where-Object { $_.Id -eq 41 -and $_.ProviderName -like '*Kernel-Power' })
Field 'crash_count' ([Math]::Max($screens.Count, $stops.Count))
