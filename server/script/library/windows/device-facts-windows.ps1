# Prints what this machine is. Exit code: 0 printed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$system = Get-CimInstance -ClassName Win32_OperatingSystem
$computer = Get-CimInstance -ClassName Win32_ComputerSystem
$bios = Get-CimInstance -ClassName Win32_BIOS
Say "host: $($computer.Name), $($computer.Manufacturer) $($computer.Model), serial $($bios.SerialNumber)"
Say "system: $($system.Caption) $($system.Version), started $($system.LastBootUpTime.ToString('s'))"
Say ("memory: {0} MB free of {1} MB" -f [int]($system.FreePhysicalMemory / 1024), [int]($system.TotalVisibleMemorySize / 1024))
foreach ($disk in Get-CimInstance -ClassName Win32_LogicalDisk -Filter 'DriveType = 3') { Say ("{0} {1} GB free of {2} GB" -f $disk.DeviceID, [int]($disk.FreeSpace / 1073741824), [int]($disk.Size / 1073741824)) }
foreach ($page in @(Get-CimInstance -ClassName Win32_PageFileUsage)) { Say ("page file: {0}, {1} of {2} MB" -f $page.Name, $page.CurrentUsage, $page.AllocatedBaseSize) }
foreach ($adapter in Get-CimInstance -ClassName Win32_NetworkAdapterConfiguration -Filter 'IPEnabled = TRUE') { Say ("network: {0}: {1}, gateway {2}, resolvers {3}" -f $adapter.Description, (@($adapter.IPAddress) -join ' '), (@($adapter.DefaultIPGateway) -join ' '), (@($adapter.DNSServerSearchOrder) -join ' ')) }
$battery = @(Get-CimInstance -ClassName Win32_Battery)
if ($battery.Count -gt 0) { Field 'battery_percent' $battery[0].EstimatedChargeRemaining }
Say "signed in: $($computer.UserName)"
Field 'uptime_seconds' ([long]((Get-Date) - $system.LastBootUpTime).TotalSeconds)
Field 'model' $computer.Model
