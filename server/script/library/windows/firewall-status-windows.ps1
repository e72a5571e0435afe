# Shows the firewall. Exit code: 0 shown.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
function Flag([string]$Name, [bool]$Value) { Field $Name $(if ($Value) { 'true' } else { 'false' }) }
$all = @(Get-NetFirewallProfile -PolicyStore ActiveStore)
$off = @()
foreach ($one in $all) {
  Say ("{0}: on {1}, in {2}, out {3}" -f $one.Name, $one.Enabled, $one.DefaultInboundAction, $one.DefaultOutboundAction)
  if ("$($one.Enabled)" -ne 'True') { $off += $one.Name }
}
Flag 'enabled' ($off.Count -eq 0)
Field 'off' ($off -join ' ')
