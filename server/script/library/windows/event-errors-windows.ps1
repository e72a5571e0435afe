# Sums errors in the event logs. Exit code: 0 summed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$hours = [int]$env:VIGIA_PARAM_HOURS
$since = (Get-Date).AddHours(-$hours)
$events = @(Get-WinEvent -FilterHashtable @{ LogName = 'System', 'Application'; Level = 1, 2; StartTime = $since } -MaxEvents 5000 -ErrorAction SilentlyContinue)
$groups = @($events | Group-Object -Property 'ProviderName', 'Id' | Sort-Object -Property Count -Descending)
foreach ($group in $groups | Select-Object -First 40) {
  $newest = $group.Group[0]
  $words = "$($newest.Message)" -replace '\s+', ' '
  Write-Output ("{0,5} times {1} {2}, last {3:s}: {4}" -f $group.Count, $newest.ProviderName, $newest.Id, $newest.TimeCreated, $words.Substring(0, [Math]::Min(200, $words.Length)))
}
Field 'error_count' $events.Count
Field 'kind_count' $groups.Count
# 1001 of BugCheck: a blue screen; 41 of Kernel-Power: it stopped without being shut down.
$crashes = @($events | Where-Object { ($_.Id -eq 1001 -and $_.ProviderName -like '*WER-SystemErrorReporting') -or ($_.Id -eq 41 -and $_.ProviderName -like '*Kernel-Power') })
Field 'crash_count' $crashes.Count
