# Lists administrators. Exit codes: 0 listed, 1 they cannot be asked for.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
# S-1-5-32-544 is that group in every language; without LocalAccount, all groups of the domain would be asked for.
$group = Get-CimInstance -ClassName Win32_Group -Filter "LocalAccount = TRUE AND SID = 'S-1-5-32-544'"
if ($null -eq $group) { Stop-With 1 'Windows does not tell of its group of administrators' }
$members = @(Get-CimAssociatedInstance -InputObject $group -Association Win32_GroupUser)
foreach ($member in $members) { Say ("{0}\{1} ({2})" -f $member.Domain, $member.Name, $member.CimClass.CimClassName) }
Field 'administrators' (@($members | ForEach-Object { "$($_.Domain)\$($_.Name)" }) -join ', ')
Field 'administrator_count' $members.Count
