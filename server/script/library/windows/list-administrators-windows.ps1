# Lists administrators. Exit code: 0 listed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
# S-1-5-32-544 is that group in every language.
$group = Get-CimInstance -ClassName Win32_Group -Filter "SID = 'S-1-5-32-544'"
$members = @(Get-CimAssociatedInstance -InputObject $group -Association Win32_GroupUser)
foreach ($member in $members) { Write-Output ("{0}\{1} ({2})" -f $member.Domain, $member.Name, $member.CimClass.CimClassName) }
Field 'administrators' (@($members | ForEach-Object { "$($_.Domain)\$($_.Name)" }) -join ' ')
Field 'administrator_count' $members.Count
