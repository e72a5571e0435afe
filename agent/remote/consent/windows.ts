import { windowsProgram } from '../../windows/programs.ts'
import type { Way } from './showing.ts'
import { wordsOf } from './words.ts'

// The agent is a service, which has no desktop (session 0): WTSSendMessage of wtsapi32 shows a box in another session.
// Its texts come by the environment, so that nothing of them is ever part of the script. The answers are those of
// MessageBox: 6 yes, 7 no, 1 the button of a notice, 32000 time over. It says when it comes to showing: a PowerShell that
// may not call Windows (a constrained one) or is none takes its time too, and no person has seen anything of it. This was
// written by the documentation of Microsoft and has not been run on Windows.
const SCRIPT = `
$ErrorActionPreference = 'Stop'
Add-Type -Namespace Vigia -Name Wts -MemberDefinition @'
[DllImport("kernel32.dll")] public static extern uint WTSGetActiveConsoleSessionId();
[DllImport("wtsapi32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
public static extern bool WTSSendMessageW(IntPtr server, uint session, string title, int titleBytes,
  string message, int messageBytes, uint style, uint timeout, out uint response, bool wait);
[DllImport("wtsapi32.dll", CharSet = CharSet.Unicode, SetLastError = true)]
public static extern bool WTSQuerySessionInformationW(IntPtr server, uint session, int what, out IntPtr buffer, out uint bytes);
'@
$session = [Vigia.Wts]::WTSGetActiveConsoleSessionId()
if ($session -eq [uint32]::MaxValue) { 'nobody'; exit 0 }
$buffer = [IntPtr]::Zero; $bytes = [uint32]0
[void][Vigia.Wts]::WTSQuerySessionInformationW([IntPtr]::Zero, $session, 5, [ref]$buffer, [ref]$bytes)
if ([string]::IsNullOrEmpty([Runtime.InteropServices.Marshal]::PtrToStringUni($buffer))) { 'nobody'; exit 0 }
$title = $env:VIGIA_TITLE; $text = $env:VIGIA_TEXT; $answer = [uint32]0
$style = [uint32]$env:VIGIA_STYLE; $timeout = [uint32]$env:VIGIA_TIMEOUT
'showing'
do {
  $sent = [Vigia.Wts]::WTSSendMessageW([IntPtr]::Zero, $session, $title, $title.Length * 2, $text, $text.Length * 2,
    $style, $timeout, [ref]$answer, $true)
  if (-not $sent) { 'failed'; exit 0 }
} while ($env:VIGIA_STANDS -eq '1' -and $answer -eq 32000)
"answer $answer"
`
/** MB_YESNO, MB_ICONQUESTION, MB_DEFBUTTON2, MB_SETFOREGROUND, MB_TOPMOST. */
const QUESTION = 0x4 | 0x20 | 0x100 | 0x1_0000 | 0x4_0000
/** MB_OK, MB_ICONINFORMATION, MB_TOPMOST. */
const NOTICE = 0x40 | 0x4_0000
/** A box cannot be taken away from outside: it ends after so long and, while the session is open, is shown again. */
const STANDS_S = 60

/** A message box in the session at the console, with the buttons that Windows has for it: yes and no, or OK. */
export const windowsWay: Way = async (shown) => {
  const words = wordsOf(shown, Intl.DateTimeFormat().resolvedOptions().locale)
  const asks = shown.what === 'ask'
  return [
    {
      file: windowsProgram('powershell.exe'),
      args: [
        '-NoProfile',
        '-NonInteractive',
        '-EncodedCommand',
        Buffer.from(SCRIPT, 'utf16le').toString('base64'),
      ],
      env: {
        SystemRoot: process.env['SystemRoot'] ?? 'C:\\Windows',
        TEMP: process.env['TEMP'] ?? 'C:\\Windows\\Temp',
        PATH: process.env['PATH'] ?? '',
        VIGIA_TITLE: words.title,
        VIGIA_TEXT: words.text,
        VIGIA_STYLE: String(asks ? QUESTION : NOTICE),
        VIGIA_TIMEOUT: String(asks ? shown.timeoutS : STANDS_S),
        VIGIA_STANDS: asks ? '0' : '1',
      },
      answer({ stdout }) {
        const [, answer] = /^answer (\d+)\s*$/m.exec(stdout) ?? []
        if (answer !== undefined) return answer === '6' ? 'yes' : 'no'
        return /^showing\s*$/m.test(stdout) && !/^failed\s*$/m.test(stdout) ? 'failed' : 'unseen'
      },
    },
  ]
}
