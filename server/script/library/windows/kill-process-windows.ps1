# Ends the process VIGIA_PARAM_PID. Exit codes: 0 it is gone, 1 it lives on, 2 it is not the process that was meant, or one that must not be ended, 5 there is none.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

# $PID is PowerShell's own.
$number = [int]$env:VIGIA_PARAM_PID
$name = $env:VIGIA_PARAM_NAME
$most = [int]$env:VIGIA_PARAM_STARTED_WITHIN_S
$process = Get-Process -Id $number -ErrorAction SilentlyContinue
if ($null -eq $process) { Stop-With 5 "there is no process $number" }
if ($process.ProcessName -ne $name) { Stop-With 2 "refused: process $number is called `"$($process.ProcessName)`"" }
$vital = 'system', 'idle', 'registry', 'smss', 'csrss', 'wininit', 'winlogon', 'services', 'lsass', 'svchost', 'memory compression'
if ($vital -contains $name.ToLowerInvariant() -or $number -eq $PID) { Stop-With 2 'refused: this process must not be ended' }
$up = $PID
while ($up) {
  $row = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId = $up"
  if ($null -eq $row -or $row.ParentProcessId -eq 0) { break }
  $up = [int]$row.ParentProcessId
  if ($up -eq $number) { Stop-With 2 'refused: the agent runs in this process' }
}
try { $age = [int]((Get-Date) - $process.StartTime).TotalSeconds } catch { Stop-With 2 'refused: its start cannot be read' }
if ($most -gt 0 -and $age -gt $most) { Stop-With 2 "refused: it has run for $age s, longer than the one that was meant" }
Write-Output "$number ($name), $age s old"
Field 'age_seconds' $age
if ($dryRun) {
  Write-Output 'would end it'
  exit 0
}
# The handle that was opened above stays with this process, whatever becomes of its number.
$process.Kill()
if (-not $process.WaitForExit(10000)) { Stop-With 1 'it lives on' }
Write-Output 'it is gone'
