# Renews the DHCP lease of VIGIA_PARAM_ADAPTER. Exit codes: 0 renewed, 1 it could not be, 2 the adapter is refused, 4 its address is fixed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$name = $env:VIGIA_PARAM_ADAPTER
$adapter = @(Get-NetAdapter | Where-Object { $_.Name -eq $name })
if ($adapter.Count -ne 1) { Stop-With 2 'refused: there is no adapter of that name' }
$index = $adapter[0].ifIndex
$configuration = Get-CimInstance -ClassName Win32_NetworkAdapterConfiguration -Filter "InterfaceIndex = $index"
if ($null -eq $configuration) { Stop-With 2 'refused: no address is configured on this adapter' }
if (-not $configuration.DHCPEnabled) { Stop-With 4 'its address is fixed' }
$before = @($configuration.IPAddress)[0]
$answer = Invoke-CimMethod -InputObject $configuration -MethodName RenewDHCPLease
# 0 done, 1 done and a restart is wanted (Win32_NetworkAdapterConfiguration).
if ($answer.ReturnValue -notin 0, 1) { Stop-With 1 "Windows answered $($answer.ReturnValue)" }
$after = Get-CimInstance -ClassName Win32_NetworkAdapterConfiguration -Filter "InterfaceIndex = $index"
Field 'address_before' $before
if ($null -eq $after -or -not $after.IPAddress) { Stop-With 1 'it has no address' }
Field 'address' (@($after.IPAddress)[0])
Field 'dhcp_server' $after.DHCPServer
Say "$name has $(@($after.IPAddress)[0])"
