# Ends the process VIGIA_PARAM_PID. Exit codes: 0 it is gone, 1 it lives on, 2 it is not the process that was meant, or one that must not be ended, 5 there is none.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
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
# Numbers of processes come again, so the way up could be a circle.
for ($step = 0; $step -lt 64; $step++) {
  $row = Get-CimInstance -ClassName Win32_Process -Filter "ProcessId = $up"
  if ($null -eq $row -or $row.ParentProcessId -eq 0) { break }
  $up = [int]$row.ParentProcessId
  if ($up -eq $number) { Stop-With 2 'refused: the agent runs in this process' }
}
# Whoever asks for the handle keeps it: from here on this is the process that was meant, whatever becomes of its number.
try {
  [void]$process.Handle
  $age = [int]((Get-Date) - $process.StartTime).TotalSeconds
}
catch { Stop-With 2 "refused: it cannot be opened: $($_.Exception.Message)" }
if ($most -gt 0 -and $age -gt $most) { Stop-With 2 "refused: it has run for $age s, longer than the one that was meant" }
Say "$number ($name), $age s old"
Field 'age_seconds' $age
if ($dryRun) {
  Say 'would end it'
  exit 0
}
try { $process.Kill() } catch { if (-not $process.HasExited) { Stop-With 1 "it lives on: $($_.Exception.Message)" } }
if (-not $process.WaitForExit(10000)) { Stop-With 1 'it lives on' }
Say 'it is gone'
