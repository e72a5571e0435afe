# Lists ports that listen. Exit code: 0 listed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$names = @{}
foreach ($process in Get-Process) { $names[$process.Id] = $process.ProcessName }
$rows = @(Get-NetTCPConnection -State Listen | ForEach-Object { New-Object psobject -Property @{ Kind = 'tcp'; Address = $_.LocalAddress; Port = $_.LocalPort; Id = [int]$_.OwningProcess } }) +
  @(Get-NetUDPEndpoint | ForEach-Object { New-Object psobject -Property @{ Kind = 'udp'; Address = $_.LocalAddress; Port = $_.LocalPort; Id = [int]$_.OwningProcess } })
$out = @($rows | Where-Object { $_.Address -notlike '127.*' -and $_.Address -ne '::1' })
foreach ($row in $rows | Sort-Object -Property 'Kind', 'Port') {
  $mark = if ($row.Address -notlike '127.*' -and $row.Address -ne '::1') { 'out' } else { '   ' }
  Say ("{0} {1} {2}:{3} {4} ({5})" -f $mark, $row.Kind, $row.Address, $row.Port, $names[$row.Id], $row.Id)
}
Field 'listening_count' $rows.Count
Field 'reachable_count' $out.Count
Field 'reachable' (@($out | ForEach-Object { "$($_.Kind)/$($_.Port)" } | Sort-Object -Unique | Select-Object -First 45) -join ' ')
