/** One step of the way to a folder: what it is called and where it leads. */
export type Crumb = { name: string; path: string }

/** Windows has drives; everything else begins with a stroke. */
function strokeOf(path: string): '/' | '\\' {
  return path.startsWith('/') ? '/' : '\\'
}

/** The path of a name in a folder. */
export function pathIn(folder: string, name: string): string {
  const stroke = strokeOf(folder)
  return folder.endsWith(stroke) ? folder + name : folder + stroke + name
}

/** The way from a root to a folder inside it, both included. */
export function crumbsOf(root: string, folder: string): Crumb[] {
  const stroke = strokeOf(root)
  const crumbs: Crumb[] = [{ name: root, path: root }]
  let path = root
  for (const name of folder.slice(root.length).split(stroke)) {
    if (name === '') continue
    path = pathIn(path, name)
    crumbs.push({ name, path })
  }
  return crumbs
}

/** The root that a folder is in. */
export function rootOf(roots: readonly string[], folder: string): string | undefined {
  return [...roots]
    .sort((a, b) => b.length - a.length)
    .find((root) => folder === root || folder.startsWith(pathIn(root, '')))
}

/** Why a name cannot be given to something in a folder; undefined when it can. */
export function nameFault(folder: string, name: string): 'empty' | 'stroke' | undefined {
  if (name === '' || name === '.' || name === '..') return 'empty'
  return name.includes('/') || name.includes(strokeOf(folder)) || name.includes('\0') ? 'stroke' : undefined
}
