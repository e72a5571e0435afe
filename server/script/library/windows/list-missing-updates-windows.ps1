# Lists missing updates. Exit codes: 0 listed, 1 the search failed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Say([string]$Words) { [Console]::Out.WriteLine($Words) }
function Field([string]$Name, $Value) { $text = "$Value" -replace '[\r\n]+', ' '; Say "VIGIA_FIELD $Name=$($text.Substring(0, [Math]::Min(500, $text.Length)))" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Vigia'
$result = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type='Software'")
# 2 succeeded, 3 succeeded with errors (OperationResultCode).
if ($result.ResultCode -notin 2, 3) { Stop-With 1 "the search ended with $($result.ResultCode)" }

# Security updates; the names of categories are translated, their numbers are not.
$kind = '0fa1201d-4330-4fa8-8ae9-b877473b6441'
$security = 0
foreach ($update in $result.Updates) {
  $important = "$($update.MsrcSeverity)" -ne '' -or @($update.Categories | ForEach-Object { $_.CategoryID }) -contains $kind
  if ($important) { $security += 1 }
  Say ("{0} {1} {2}" -f $(if ($important) { 'S' } else { ' ' }), (@($update.KBArticleIDs | ForEach-Object { "KB$_" }) -join ' '), $update.Title)
}
Field 'missing_count' $result.Updates.Count
Field 'security_count' $security
