# Says whether a restart is due. Exit code: 0 said.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$reasons = @()
$base = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
if (Test-Path -LiteralPath "$base\WindowsUpdate\Auto Update\RebootRequired") { $reasons += 'Windows Update' }
if (Test-Path -LiteralPath "$base\Component Based Servicing\RebootPending") { $reasons += 'component servicing' }
$session = Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
if ($session.PSObject.Properties['PendingFileRenameOperations'] -and $session.PendingFileRenameOperations) { $reasons += 'files to be replaced' }
$active = (Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName').ComputerName
$wanted = (Get-ItemProperty -LiteralPath 'HKLM:\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName').ComputerName
if ($active -ne $wanted) { $reasons += 'a new name' }
$started = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime
Flag 'due' ($reasons.Count -gt 0)
Field 'reasons' ($reasons -join '; ')
Field 'uptime_days' ([int][Math]::Floor(((Get-Date) - $started).TotalDays))
