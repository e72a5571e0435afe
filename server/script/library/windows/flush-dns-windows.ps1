# Empties the cache of the resolver. Exit code: 0 emptied.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$before = @(Get-DnsClientCache -ErrorAction SilentlyContinue).Count
Clear-DnsClientCache
Field 'entries' $before
Write-Output "$before entries are gone"
