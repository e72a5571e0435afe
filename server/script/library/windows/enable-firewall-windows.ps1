# Switches the firewall on. Exit codes: 0 it is on in every profile, 1 it is not, 5 it was on already.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$off = @(Get-NetFirewallProfile -PolicyStore ActiveStore | Where-Object { "$($_.Enabled)" -ne 'True' } | ForEach-Object { $_.Name })
Field 'was_off' ($off -join ' ')
if ($off.Count -eq 0) { Stop-With 5 'it was on already' }
if ($dryRun) {
  Say "would switch it on in: $($off -join ' ')"
  exit 0
}
Set-NetFirewallProfile -Name $off -Enabled True
$still = @(Get-NetFirewallProfile -PolicyStore ActiveStore | Where-Object { "$($_.Enabled)" -ne 'True' } | ForEach-Object { $_.Name })
if ($still.Count -gt 0) { Stop-With 1 "still off, by a policy of the domain perhaps: $($still -join ' ')" }
Say 'it is on in every profile'
