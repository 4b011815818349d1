const root = document.getElementById('operations')
const filter = document.getElementById('filter')

const element = (tag, text, ...children) => {
  const node = document.createElement(tag)
  if (text) node.textContent = text
  node.append(...children)
  return node
}

const block = (title, value) => {
  if (!value || (Array.isArray(value) && value.length === 0)) return []
  return [element('h4', title), element('pre', JSON.stringify(value, null, 2))]
}

const operation = (path, method, spec) => {
  const details = element('details')
  const summary = element(
    'summary',
    '',
    element('b', method.toUpperCase()),
    element('code', path),
    ' ',
    element('span', spec.summary),
  )
  const body = element('div')
  body.className = 'body'
  body.append(
    element('p', spec.security?.length ? `Needs: ${spec['x-access'].replace('_', ' ')}` : 'Open to anyone'),
    ...block('Parameters', spec.parameters),
    ...block('Body', spec.requestBody?.content?.['application/json']?.schema),
    ...Object.entries(spec.responses).flatMap(([status, answer]) =>
      status === 'default'
        ? []
        : block(
            `Answer ${status}`,
            answer.content?.['application/json']?.schema ?? { description: answer.description },
          ),
    ),
  )
  details.append(summary, body)
  details.dataset.words = `${method} ${path} ${spec.summary}`.toLowerCase()
  return { tag: spec.tags[0], details }
}

const show = document_ => {
  const groups = new Map()
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, spec] of Object.entries(methods)) {
      const { tag, details } = operation(path, method, spec)
      if (!groups.has(tag)) groups.set(tag, element('section', '', element('h2', tag)))
      groups.get(tag).append(details)
    }
  }
  root.replaceChildren(...groups.values())
}

filter.addEventListener('input', () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean)
  for (const details of root.querySelectorAll('details')) {
    details.hidden = !words.every(word => details.dataset.words.includes(word))
  }
  for (const section of root.querySelectorAll('section')) {
    section.hidden = !section.querySelector('details:not([hidden])')
  }
})

const answer = await fetch('/openapi.json')
if (answer.ok) show(await answer.json())
else root.textContent = `The document could not be loaded (${answer.status}). Reload the page.`
