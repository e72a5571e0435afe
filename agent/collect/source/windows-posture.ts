import type { ProgramAnswer } from '../../inventory/program.ts'
import { windowsProgram } from '../../windows/programs.ts'

/** Runs a program without a shell within its time; inventory/program.ts is one. */
export type RunProgram = (file: string, args: readonly string[], timeoutMs: number) => Promise<ProgramAnswer>

/** What Windows says of its own protection, in one answer of PowerShell. Undefined: it did not say. */
export type WindowsPosture = {
  antivirus: { name: string; running: boolean }[] | undefined
  definitionsAgeDays: number | undefined
  firewallEnabled: boolean | undefined
  volumes: { mount: string; encrypted: boolean }[] | undefined
  kernelCrashes24h: number | undefined
  programCrashes24h: number | undefined
  administrators: string[] | undefined
  tasks: string[] | undefined
  /** Whether the spooler runs; undefined where it is not installed. */
  spoolerUp: boolean | undefined
  printJobAgesS: number[] | undefined
}

const ANSWER_MS = 60_000
/** PowerShell takes about a second of CPU to start, so one answer serves every collector for this long. */
const VALID_MS = 50 * 60_000

/**
 * One question for all. Each part stands alone, so that what a version or an edition does not have is null and not a
 * failure. Microsoft: AntiVirusProduct of root/SecurityCenter2, Get-MpComputerStatus, Get-NetFirewallProfile,
 * Get-BitLockerVolume, events 1001 (BugCheck, System) and 1000 (Application Error), Get-LocalGroupMember of the
 * administrators' well-known SID, Get-ScheduledTask, Get-PrintJob. Written past the pipeline, whose end breaks long lines
 * at the width of the console.
 */
const SCRIPT = `
$ErrorActionPreference='Stop'
[Console]::OutputEncoding=[Text.Encoding]::UTF8
function Part($f){ try { ,@(& $f) } catch { $null } }
$since=(Get-Date).AddDays(-1)
function Events($log,$source,$id){ try { @(Get-WinEvent -FilterHashtable @{LogName=$log;ProviderName=$source;Id=$id;StartTime=$since}).Count } catch { if ($_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*') { 0 } else { $null } } }
$spooler=Get-Service Spooler -ErrorAction SilentlyContinue
[Console]::Out.WriteLine((@{
 antivirus=Part { Get-CimInstance -Namespace root/SecurityCenter2 AntiVirusProduct | % { @{name=$_.displayName;state=[int]$_.productState} } }
 definitionsAgeDays=try { [double]((Get-Date)-(Get-MpComputerStatus).AntivirusSignatureLastUpdated).TotalDays } catch { $null }
 firewall=Part { Get-NetFirewallProfile -PolicyStore ActiveStore | % { @{name=$_.Name;enabled=[string]$_.Enabled} } }
 volumes=Part { Get-BitLockerVolume | ? { $_.VolumeType -in 'OperatingSystem','Data' } | % { @{mount=$_.MountPoint;protection=[string]$_.ProtectionStatus} } }
 bugchecks=Events 'System' 'Microsoft-Windows-WER-SystemErrorReporting' 1001
 crashes=Events 'Application' 'Application Error' 1000
 administrators=Part { Get-LocalGroupMember -SID S-1-5-32-544 | % { $_.Name } }
 tasks=Part { Get-ScheduledTask | ? { $_.TaskPath -notlike '\\Microsoft\\*' } | % { $_.TaskPath+$_.TaskName } }
 spooler=if ($spooler) { [string]$spooler.Status } else { $null }
 printJobs=Part { Get-Printer | % { Get-PrintJob -PrinterName $_.Name } | % { [double]((Get-Date)-$_.SubmittedTime).TotalSeconds } }
} | ConvertTo-Json -Compress -Depth 4))
`

/** Parses PowerShell's answer. Whatever is null, absent or of another shape is undefined: unavailable, never zero. */
export function parseWindowsPosture(text: string): WindowsPosture {
  const value: unknown = JSON.parse(text)
  const all = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const firewall = rows(all['firewall'])?.map(({ enabled }) => enabled === 'True')
  const spooler = all['spooler']
  return {
    antivirus: rows(all['antivirus'])?.flatMap(({ name, state }) =>
      typeof name === 'string' && typeof state === 'number' ? [{ name, running: isRunning(state) }] : [],
    ),
    definitionsAgeDays: count(all['definitionsAgeDays']),
    // Every profile must filter: a laptop changes between them by itself.
    firewallEnabled: firewall === undefined || firewall.length === 0 ? undefined : firewall.every(Boolean),
    volumes: rows(all['volumes'])?.flatMap(({ mount, protection }) =>
      typeof mount === 'string' && (protection === 'On' || protection === 'Off')
        ? [{ mount, encrypted: protection === 'On' }]
        : [],
    ),
    kernelCrashes24h: count(all['bugchecks']),
    programCrashes24h: count(all['crashes']),
    administrators: texts(all['administrators']),
    tasks: texts(all['tasks']),
    spoolerUp: typeof spooler === 'string' ? spooler === 'Running' : undefined,
    printJobAgesS: Array.isArray(all['printJobs'])
      ? all['printJobs'].filter((age): age is number => typeof age === 'number')
      : undefined,
  }
}

/** Asks at most once in 50 minutes; undefined on other systems and where PowerShell gives no answer. */
export function windowsPosture(options: {
  platform: NodeJS.Platform
  program: RunProgram
  monotonicMs: () => number
}): () => Promise<WindowsPosture | undefined> {
  let asked: { atMs: number; answer: Promise<WindowsPosture | undefined> } | undefined
  return () => {
    if (options.platform !== 'win32') return Promise.resolve(undefined)
    const nowMs = options.monotonicMs()
    if (asked === undefined || nowMs - asked.atMs >= VALID_MS)
      asked = { atMs: nowMs, answer: ask(options.program) }
    return asked.answer
  }
}

async function ask(program: RunProgram): Promise<WindowsPosture | undefined> {
  const encoded = Buffer.from(SCRIPT, 'utf16le').toString('base64')
  const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-EncodedCommand', encoded]
  const { exitCode, stdout } = await program(windowsProgram('powershell.exe'), args, ANSWER_MS)
  return exitCode === 0 && stdout.trim() !== '' ? parseWindowsPosture(stdout) : undefined
}

/** WSC_SECURITY_PRODUCT_STATE in the second byte of productState: 0x10 on, 0x00 off, 0x20 snoozed, 0x30 expired. */
function isRunning(productState: number): boolean {
  return ((productState >> 8) & 0xf0) === 0x10
}

function rows(value: unknown): Record<string, unknown>[] | undefined {
  return Array.isArray(value)
    ? value.filter((row): row is Record<string, unknown> => typeof row === 'object' && row !== null)
    : undefined
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === 'string') : undefined
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
