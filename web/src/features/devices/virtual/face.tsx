import style from './virtual.module.css'

type Look = { eyes: 'open' | 'smile' | 'wide' | 'closed' | 'wink' | 'hearts' | 'cross'; mouth: string }

const smile = 'M70 118 Q100 146 130 118'
const flat = 'M78 126 L122 126'
const frown = 'M72 134 Q100 110 128 134'
const round = 'M100 114 a12 12 0 1 0 0.1 0 Z'
const grin = 'M68 114 Q100 160 132 114 Z'

/** Emotions in the words of the protocol. Those that are not here look like a neutral face. */
const looks: Record<string, Look> = {
  neutral: { eyes: 'open', mouth: 'M76 122 Q100 132 124 122' },
  happy: { eyes: 'smile', mouth: smile },
  laughing: { eyes: 'smile', mouth: grin },
  funny: { eyes: 'wink', mouth: grin },
  sad: { eyes: 'open', mouth: frown },
  angry: { eyes: 'cross', mouth: frown },
  crying: { eyes: 'closed', mouth: frown },
  loving: { eyes: 'hearts', mouth: smile },
  embarrassed: { eyes: 'smile', mouth: flat },
  surprised: { eyes: 'wide', mouth: round },
  shocked: { eyes: 'wide', mouth: round },
  thinking: { eyes: 'open', mouth: flat },
  winking: { eyes: 'wink', mouth: smile },
  cool: { eyes: 'closed', mouth: smile },
  relaxed: { eyes: 'closed', mouth: smile },
  delicious: { eyes: 'smile', mouth: grin },
  kissy: { eyes: 'wink', mouth: round },
  confident: { eyes: 'open', mouth: smile },
  sleepy: { eyes: 'closed', mouth: flat },
  silly: { eyes: 'wink', mouth: grin },
  confused: { eyes: 'cross', mouth: flat },
}

function Eye({ kind, x }: { kind: Look['eyes']; x: number }) {
  if (kind === 'wide') return <circle cx={x} cy="78" r="17" />
  if (kind === 'smile' || (kind === 'wink' && x > 100))
    return <path className={style.stroke} d={`M${x - 15} 84 Q${x} 62 ${x + 15} 84`} />
  if (kind === 'closed') return <path className={style.stroke} d={`M${x - 15} 78 Q${x} 90 ${x + 15} 78`} />
  if (kind === 'cross')
    return <path className={style.stroke} d={x < 100 ? 'M54 66 L82 78 L54 90' : 'M146 66 L118 78 L146 90'} />
  if (kind === 'hearts')
    return <path d={`M${x} 94 C${x - 26} 76 ${x - 14} 58 ${x} 70 C${x + 14} 58 ${x + 26} 76 ${x} 94 Z`} />
  return <ellipse className={style.blink} cx={x} cy="78" rx="11" ry="14" />
}

type FaceProps = { emotion: string; activity: string; isOn: boolean; label: string }

/** The device's face: what it feels, and whether it listens, thinks or speaks. */
export function Face({ emotion, activity, isOn, label }: FaceProps) {
  const look = looks[isOn ? (activity === 'thinking' ? 'thinking' : emotion) : 'sleepy'] ?? looks.neutral
  if (!look) return null
  const isClosed = look.mouth.endsWith('Z')
  return (
    <div className={style.face} data-activity={isOn ? activity : 'off'}>
      <svg viewBox="0 0 200 200" role="img" aria-label={label}>
        <Eye kind={look.eyes} x={68} />
        <Eye kind={look.eyes} x={132} />
        <g className={style.mouth}>
          <path className={isClosed ? '' : style.stroke} d={look.mouth} />
        </g>
      </svg>
    </div>
  )
}
