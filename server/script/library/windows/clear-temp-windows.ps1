# Frees space on the system drive. Exit codes: 0 something was freed, 5 there was nothing to free.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$dryRun = $env:VIGIA_DRY_RUN -eq '1'

$days = [int]$env:VIGIA_PARAM_DAYS
$limit = (Get-Date).AddDays(-$days)
$script:freed = [long]0
$script:removed = 0

# Folders are walked by hand so that no junction or symbolic link is ever entered.
function Clear-Below([string]$Folder, [datetime]$Before) {
  $directory = Get-Item -LiteralPath $Folder -Force -ErrorAction SilentlyContinue
  if ($null -eq $directory -or -not $directory.PSIsContainer) { return }
  if ($directory.Attributes -band [IO.FileAttributes]::ReparsePoint) { return }
  foreach ($entry in @(Get-ChildItem -LiteralPath $Folder -Force -ErrorAction SilentlyContinue)) {
    if ($entry.Attributes -band [IO.FileAttributes]::ReparsePoint) { continue }
    if ($entry.PSIsContainer) {
      Clear-Below $entry.FullName $Before
      if ($entry.LastWriteTime -lt $Before -and -not $dryRun) {
        # Only an empty folder goes: Delete without the second argument refuses any other.
        try { [IO.Directory]::Delete($entry.FullName) } catch { continue }
      }
    }
    elseif ($entry.LastWriteTime -lt $Before) {
      $length = $entry.Length
      if (-not $dryRun) {
        try { [IO.File]::Delete($entry.FullName) } catch { continue }
      }
      $script:freed += $length
      $script:removed += 1
    }
  }
}

$folders = @(Join-Path $env:SystemRoot 'Temp')
foreach ($person in Get-CimInstance -ClassName Win32_UserProfile -Filter 'Special = FALSE') {
  $path = $person.LocalPath
  # Each step is the person's own to exchange for a link.
  foreach ($part in 'AppData', 'Local', 'Temp') {
    if (-not $path) { break }
    $path = Join-Path $path $part
    $step = Get-Item -LiteralPath $path -Force -ErrorAction SilentlyContinue
    if ($null -eq $step -or ($step.Attributes -band [IO.FileAttributes]::ReparsePoint)) { $path = '' }
  }
  if ($path) { $folders += $path }
}
foreach ($folder in $folders) { Clear-Below $folder $limit }
# What Windows Update has downloaded it can download again, but not while it installs.
$service = Get-Service -Name 'wuauserv' -ErrorAction SilentlyContinue
if ($null -ne $service -and $service.Status -eq 'Stopped') {
  Clear-Below (Join-Path $env:SystemRoot 'SoftwareDistribution\Download') $limit
}
$drive = Get-CimInstance -ClassName Win32_LogicalDisk -Filter "DeviceID = '$($env:SystemDrive)'"
Field 'freed_bytes' $script:freed
Field 'removed_count' $script:removed
if ($null -ne $drive) { Field 'free_bytes' $drive.FreeSpace }
if ($script:removed -eq 0) { Stop-With 5 'nothing is old enough, or all of it is in use' }
Say "$($script:removed) files, $($script:freed) bytes$(if ($dryRun) { ' would go' })"
