/**
 * A document for libraries that put `<style>` elements and `style` attributes into the page, which the console's
 * content policy forbids. Their styles go where the policy lets a script put them: into a constructed style sheet
 * (CSSOM), and onto the element's style object. Everything else is the page's own document.
 */
export function cspDocument(page: Document): Document {
  const create = (tag: string, options?: ElementCreationOptions): HTMLElement => {
    const name = tag.toLowerCase()
    if (name === 'style') return sheetInPlaceOf(page)
    const element = page.createElement(tag, options)
    if (name === 'span') {
      const setAttribute = element.setAttribute.bind(element)
      element.setAttribute = (attribute, value) => {
        if (attribute === 'style') element.style.cssText = value
        else setAttribute(attribute, value)
      }
    }
    return element
  }
  return new Proxy(page, {
    get(target, name) {
      if (name === 'createElement') return create
      const value: unknown = Reflect.get(target, name, target)
      // A method of the document wants the document itself.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** An element that shows nothing; what is written into it is a style sheet of the page until it is removed. */
function sheetInPlaceOf(page: Document): HTMLElement {
  const element = page.createElement('template')
  const sheet = new CSSStyleSheet()
  let text = ''
  page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet]
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set(given: string) {
      text = given
      sheet.replaceSync(given)
    },
  })
  element.remove = () => {
    page.adoptedStyleSheets = page.adoptedStyleSheets.filter((each) => each !== sheet)
    Element.prototype.remove.call(element)
  }
  return element
}
