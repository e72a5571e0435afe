# Tests the way to VIGIA_PARAM_HOST. Exit codes: 0 all that was asked works, 1 a step failed, 2 the host is refused.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$target = $env:VIGIA_PARAM_HOST
$port = [int]$env:VIGIA_PARAM_PORT
if ($target -notmatch '^[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?$') { Stop-With 2 'refused: not a host' }
$failed = @()
try {
  $address = @([Net.Dns]::GetHostAddresses($target))[0]
  Say "name: $target is $address"
  Field 'address' $address
}
catch { Stop-With 1 "$target cannot be resolved: $($_.Exception.InnerException.Message)" }
# Many hosts do not answer a ping: it informs and fails nothing by itself.
$times = @()
$ping = New-Object Net.NetworkInformation.Ping
foreach ($turn in 1, 2, 3) {
  try {
    $reply = $ping.Send($address, 2000)
    if ($reply.Status -eq 'Success') { $times += $reply.RoundtripTime }
  }
  catch { Say "ping: $($_.Exception.Message)" }
}
Field 'loss_percent' ([int]((3 - $times.Count) * 100 / 3))
if ($times.Count -gt 0) { Field 'ping_ms' ([int]($times | Measure-Object -Average).Average) }
if ($port -gt 0) {
  $client = New-Object Net.Sockets.TcpClient($address.AddressFamily)
  $clock = [Diagnostics.Stopwatch]::StartNew()
  $open = $false
  try { $open = $client.ConnectAsync($address, $port).Wait(5000) -and $client.Connected } catch { $open = $false }
  $client.Close()
  if ($open) { Field 'tcp_ms' $clock.ElapsedMilliseconds }
  else { $failed += 'tcp' }
  Say "tcp: port $port $(if ($open) { "answers after $($clock.ElapsedMilliseconds) ms" } else { 'does not answer' })"
}
Field 'failed' ($failed -join ' ')
if ($failed.Count -gt 0) { exit 1 }
