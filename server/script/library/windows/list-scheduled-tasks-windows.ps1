# Lists scheduled tasks. Exit code: 0 listed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$tasks = @(Get-ScheduledTask | Where-Object { $_.TaskPath -notlike '\Microsoft\*' })
$failed = 0
foreach ($task in $tasks) {
  $information = Get-ScheduledTaskInfo -InputObject $task -ErrorAction SilentlyContinue
  $starts = @($task.Actions | ForEach-Object { if ($_.PSObject.Properties['Execute']) { "$($_.Execute) $($_.Arguments)" } else { $_.CimClass.CimClassName } }) -join '; '
  $result = if ($null -ne $information) { $information.LastTaskResult } else { '' }
  # 0x41301 runs now, 0x41302 is disabled, 0x41303 has not run yet (Task Scheduler's constants).
  if ($result -and $result -notin 0x41301, 0x41302, 0x41303) { $failed += 1 }
  Say ("{0}{1} [{2}] as {3}: {4} (last result 0x{5:X})" -f $task.TaskPath, $task.TaskName, $task.State, $task.Principal.UserId, $starts, $result)
}
Field 'task_count' $tasks.Count
Field 'failed_count' $failed
