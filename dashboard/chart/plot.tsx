import 'uplot/dist/uPlot.min.css'
import './chart.css'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef, type ReactElement } from 'react'
import uPlot from 'uplot'

export type PlotOptions = Omit<uPlot.Options, 'width' | 'height'>

/** A colour of theme.css as uPlot needs it: the value, not the variable. */
export function themeColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/**
 * Draws with uPlot into a box of a given height, in the colours of the theme. `options` must be stable: it is
 * made anew when `version` changes, while new data only redraw. The text beside the picture is the caller's.
 */
export function Plot({
  options,
  version,
  data,
  heightPx,
}: {
  options: () => PlotOptions
  version: string
  data: uPlot.AlignedData
  heightPx: number
}): ReactElement {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(null)
  const latest = useRef({ data, options })
  latest.current = { data, options }
  const scheme = useComputedColorScheme('light')

  useEffect(() => {
    const element = box.current
    if (!element) return
    const made = new uPlot(
      { ...latest.current.options(), width: Math.max(120, element.clientWidth), height: heightPx },
      latest.current.data,
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height: heightPx })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [version, scheme, heightPx])

  useEffect(() => plot.current?.setData(data), [data])

  return <div ref={box} className="plot" style={{ height: heightPx }} aria-hidden="true" />
}
