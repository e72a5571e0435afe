# Shows the firewall. Exit code: 0 shown.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$profiles = @(Get-NetFirewallProfile -PolicyStore ActiveStore)
$off = @()
foreach ($profile in $profiles) {
  Write-Output ("{0}: on {1}, in {2}, out {3}" -f $profile.Name, $profile.Enabled, $profile.DefaultInboundAction, $profile.DefaultOutboundAction)
  if ("$($profile.Enabled)" -ne 'True') { $off += $profile.Name }
}
Flag 'enabled' ($off.Count -eq 0)
Field 'off' ($off -join ' ')
