# Prints the busiest processes. Exit code: 0 printed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$count = [int]$env:VIGIA_PARAM_COUNT
$before = @{}
foreach ($process in Get-Process) { try { $before[$process.Id] = $process.TotalProcessorTime.TotalMilliseconds } catch { continue } }
$clock = [Diagnostics.Stopwatch]::StartNew()
Start-Sleep -Seconds 2
$cores = [Environment]::ProcessorCount
$rows = @(foreach ($process in Get-Process) {
    $used = 0
    try { if ($before.ContainsKey($process.Id)) { $used = $process.TotalProcessorTime.TotalMilliseconds - $before[$process.Id] } } catch { $used = 0 }
    New-Object psobject -Property @{ Id = $process.Id; Name = $process.ProcessName; Percent = [Math]::Round($used * 100 / $clock.ElapsedMilliseconds / $cores, 1); Memory = $process.WorkingSet64 }
  })
Say '--- by processor'
$busiest = @($rows | Sort-Object -Property Percent -Descending | Select-Object -First $count)
foreach ($row in $busiest) { Say ("{0,6} {1,6} % {2}" -f $row.Id, $row.Percent, $row.Name) }
Say '--- by memory'
$largest = @($rows | Sort-Object -Property Memory -Descending | Select-Object -First $count)
foreach ($row in $largest) { Say ("{0,6} {1,8} MB {2}" -f $row.Id, [int]($row.Memory / 1048576), $row.Name) }
Field 'busiest' $busiest[0].Name
Field 'largest' $largest[0].Name
