import { beforeAll, describe, expect, it } from 'vitest'
import { contents } from '../run-script.ts'
import { loadGrammar, parse, within } from './grammar.ts'
import { records } from './records.ts'
import { review } from './review.ts'

/** PowerShell cannot be had here, and no script ran: each is held against the records of test/fixtures/powershell. */
const scripts = [...contents.values()].filter(({ interpreter }) => interpreter === 'powershell')
const HEAD = `Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
`
const faultsOf = (body: string, as: { dryRun?: boolean; changes?: string } = {}): string[] =>
  review({ body: `${HEAD}${body}`, dryRun: false, changes: 'Much.', ...as })

beforeAll(loadGrammar)

describe('the scripts for Windows', () => {
  it('are at least thirty', () => {
    expect(scripts.length).toBeGreaterThanOrEqual(30)
  })
  it.each(scripts.map((content) => [content.name, content] as const))('%s', (_name, content) => {
    expect(review(content)).toEqual([])
  })
  it('read of w32tm a number by its place, which means the same in every language', () => {
    const patterns = within(parse(contents.get('resync-clock-windows')!.body))
      .filter(({ type, text }) => type === 'string_literal' && text.includes(String.raw`\D`))
      .map(({ text }) => new RegExp(text.slice(1, -1)))
    expect(patterns).toHaveLength(1)
    const { samples } = records.programs.get('w32tm.exe')!
    expect(samples.length).toBeGreaterThanOrEqual(3)
    for (const { text, leapIndicator } of samples)
      expect(patterns[0]!.test(text.replaceAll('\n', ' ')), text).toBe(leapIndicator === 3)
  })
})

describe('a script is found out that', () => {
  it.each([
    ['calls what is no cmdlet', 'Get-Disks', 'called Get-Disks'],
    ['uses an alias', 'gci -LiteralPath C:', 'called gci'],
    ['uses the short ForEach', 'Get-Process | % { $_.Id }', 'called %'],
    ['gives a parameter that there is not', 'Get-Volume -Letter C', 'no parameter -letter'],
    ['gives a value too many', 'Get-ChildItem -LiteralPath C: -Force 1 2 3', 'no value in place 3'],
    ['gives a parameter no value', 'Get-Volume -DriveLetter', 'lacks its value'],
    ['leaves out what is needed', "Rename-Item -LiteralPath 'a'", 'needs -NewName'],
    [
      'asks for parallel work',
      'Get-Process | ForEach-Object -Parallel { $_.Id }',
      /no parameter -parallel|no PowerShell/,
    ],
    ['joins commands as PowerShell 7', 'Get-Date && Get-Process', 'PowerShell 7'],
    ['takes a substitute as PowerShell 7', '$a = $env:A ?? 1', 'PowerShell 7'],
    ['chooses as PowerShell 7', "$a = $env:A ? 'x' : 'y'", 'PowerShell 7'],
    ['asks for the system as PowerShell 7', 'if ($IsWindows) { Get-Date }', 'PowerShell 7'],
    ['prints what is broken at 80 characters', "Write-Output 'x'", 'breaks lines'],
    ['prints formatted', 'Get-Process | Format-Table', 'breaks lines'],
    [
      'reads a property that there is not',
      '$disk = @(Get-PhysicalDisk)[0]\n$disk.Health',
      'MSFT_PhysicalDisk has no Health',
    ],
    [
      'reads one in a pipeline',
      'Get-ScheduledTask | Where-Object { $_.State } | ForEach-Object { $_.Path }',
      'MSFT_ScheduledTask has no Path',
    ],
    ['reads one in a loop', 'foreach ($p in Get-Process) { $p.Nam }', 'Process has no Nam'],
    ['sorts by one', "Get-Process | Sort-Object -Property 'Weight'", 'Process has no Weight'],
    [
      'reads one of a group',
      '(Get-Process | Group-Object -Property Id) | ForEach-Object { $_.Group[0].X }',
      'no X',
    ],
    [
      'reads one of a class of CIM',
      '(Get-CimInstance -ClassName Win32_BIOS).Serial',
      'Win32_BIOS has no Serial',
    ],
    ['asks for an unknown class of CIM', 'Get-CimInstance -ClassName Win32_Disk', 'no record of the class'],
    [
      'calls a method that there is not',
      '$x = New-Object -ComObject Microsoft.Update.Session\n$x.CreateSearcher()',
      'IUpdateSession has no CreateSearcher',
    ],
    [
      'reads one of its own object',
      '$x = New-Object psobject -Property @{ A = 1 }\n$x.B',
      'psobject has no B',
    ],
    ['counts what may be one', '$all = Get-Process\n$all.Count', 'unless in @()'],
    [
      'takes a property of what may be nothing',
      '$v = Get-Volume -DriveLetter C -ErrorAction SilentlyContinue\n$v.Size',
      'may be nothing',
    ],
    ['asks for all services', 'Get-Service | Where-Object { $_.Status }', 'without -Name'],
    ['runs a program by its name alone', '& shutdown.exe /a\n$LASTEXITCODE', 'by its whole path'],
    [
      'runs one that is not recorded',
      '& "$env:SystemRoot\\System32\\diskpart.exe" /s x\n$LASTEXITCODE',
      'no record of the program',
    ],
    [
      'gives a program a word that it does not know',
      '& "$env:SystemRoot\\System32\\shutdown.exe" /restart\n$LASTEXITCODE',
      'knows no /restart',
    ],
    [
      'does not look at an exit code',
      '& "$env:SystemRoot\\System32\\w32tm.exe" /resync\n& "$env:SystemRoot\\System32\\w32tm.exe" /query /source\n$LASTEXITCODE',
      'exit code of w32tm.exe',
    ],
    [
      'takes what a program says to stderr',
      '& "$env:SystemRoot\\System32\\shutdown.exe" /a 2>&1\n$LASTEXITCODE',
      'stderr',
    ],
    [
      'reads words that are translated',
      '$said = & "$env:SystemRoot\\System32\\fsutil.exe" dirty query C:\n$code = $LASTEXITCODE\nif ("$said" -match \'is dirty\') { exit 6 }',
      'a word of what a program printed',
    ],
    [
      'looks for them otherwise',
      "$said = (& \"$env:SystemRoot\\System32\\w32tm.exe\" /query /source) -join ' '\n$code = $LASTEXITCODE\n$said.StartsWith('Local')",
      'a word of what a program printed',
    ],
    [
      'formats a number for a field',
      "function Field($n, $v) { }\nField 'x' ('{0}' -f 1.5)",
      'as the culture does',
    ],
    ['writes a date by the calendar', "(Get-Date).ToString('yyyy-MM-dd')", 'InvariantCulture'],
    [
      'sets a variable of PowerShell',
      'foreach ($profile in Get-Process) { $profile.Id }',
      "$profile is PowerShell's own",
    ],
  ])('%s', (_what, body, words) => {
    expect(faultsOf(body).join('\n')).toMatch(words)
  })

  it('changes something in a dry run, by cmdlet, method, program or CIM', () => {
    const guard = 'if ($dryRun) { exit 0 }\n'
    for (const body of [
      "Stop-Service -Name 'Spooler'",
      "[IO.File]::Delete('x')",
      '$s = New-Object -ComObject Microsoft.Update.Session\nforeach ($u in $s.CreateUpdateSearcher().Search(1).Updates) { $u.AcceptEula() }',
      '& "$env:SystemRoot\\System32\\shutdown.exe" /r\n$LASTEXITCODE',
      '$p = @(Get-CimInstance -ClassName Win32_Process)[0]\n$r = Invoke-CimMethod -InputObject $p -MethodName Terminate',
    ]) {
      const dry = '$dryRun = $true\n'
      expect(faultsOf(dry + body, { dryRun: true }).join('\n')).toMatch('a dry run comes to')
      expect(faultsOf(dry + body + `\n${guard}`, { dryRun: true }).join('\n')).toMatch('a dry run comes to')
      expect(faultsOf(dry + guard + body, { dryRun: true })).toEqual([])
      expect(faultsOf(`${dry}if (-not $dryRun) {\n${body}\n}`, { dryRun: true })).toEqual([])
      expect(faultsOf(body, { changes: 'Nothing.' }).join('\n')).toMatch('says that it does not')
    }
  })

  it('goes on after a mistake of its own', () => {
    expect(review({ body: 'Get-Date', dryRun: false, changes: 'Much.' })).toHaveLength(3)
  })
})

describe('the records', () => {
  it('describe every type that they name', () => {
    const builtIn = ['any', 'enum', 'none', 'CimInstance', 'item']
    const all = [...records.types.values(), ...records.statics.values()]
    const used = [
      ...all.flatMap(({ properties, methods }) => [...Object.values(properties), ...Object.values(methods)]),
      ...[...records.cmdlets.values()].flatMap(({ output, outputWith }) => [
        output,
        ...Object.values(outputWith),
      ]),
      ...records.associations.values(),
      ...records.comObjects.values(),
    ].flatMap((name) => name?.replace('[]', '').split('|') ?? [])
    expect(used.filter((name) => !builtIn.includes(name) && !records.types.has(name.toLowerCase()))).toEqual(
      [],
    )
  })
  it('name no parameter twice, and put in place only those that there are', () => {
    for (const [name, { values, switches, positional, pipeline, needs }] of records.cmdlets) {
      const parameters = [...values, ...switches]
      expect(new Set(parameters).size, name).toBe(parameters.length)
      expect(parameters, name).toEqual(expect.arrayContaining([...positional, ...pipeline, ...needs.flat()]))
    }
  })
})
