# Lists missing updates. Exit codes: 0 listed, 1 the search failed.
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
function Field([string]$Name, $Value) { Write-Output "VIGIA_FIELD $Name=$Value" }
function Stop-With([int]$Code, [string]$Words) { [Console]::Error.WriteLine($Words); exit $Code }
$session = New-Object -ComObject Microsoft.Update.Session
$session.ClientApplicationID = 'Vigia'
$result = $session.CreateUpdateSearcher().Search("IsInstalled=0 and IsHidden=0 and Type='Software'")
# 2 succeeded, 3 succeeded with errors (OperationResultCode).
if ($result.ResultCode -notin 2, 3) { Stop-With 1 "the search ended with $($result.ResultCode)" }

$security = 0
foreach ($update in $result.Updates) {
  $important = "$($update.MsrcSeverity)" -ne ''
  if ($important) { $security += 1 }
  Write-Output ("{0} {1} {2}" -f $(if ($important) { 'S' } else { ' ' }), (@($update.KBArticleIDs | ForEach-Object { "KB$_" }) -join ' '), $update.Title)
}
Field 'missing_count' $result.Updates.Count
Field 'security_count' $security
