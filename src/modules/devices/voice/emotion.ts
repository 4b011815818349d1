import type { Emotion } from '../socket/messages.ts'

/** One face for each emotion first; further ones that models like to write. */
const faces: readonly (readonly [Emotion, string])[] = [
  ['neutral', '😶😐'],
  ['happy', '🙂😊😀😃🎉'],
  ['laughing', '😆😄😁'],
  ['funny', '😂🤣'],
  ['sad', '😔😞🙁'],
  ['angry', '😠😡'],
  ['crying', '😭😢'],
  ['loving', '😍🥰❤💕'],
  ['embarrassed', '😳😅'],
  ['surprised', '😯😮'],
  ['shocked', '😱😨'],
  ['thinking', '🤔🧐'],
  ['winking', '😉'],
  ['cool', '😎'],
  ['relaxed', '😌☺'],
  ['delicious', '🤤😋'],
  ['kissy', '😘😗'],
  ['confident', '😏💪'],
  ['sleepy', '😴😪'],
  ['silly', '😜🤪'],
  ['confused', '🙄😕'],
]
const byFace = new Map(faces.flatMap(([emotion, some]) => [...some].map(face => [face, emotion] as const)))
const faceOf = new Map(faces.map(([emotion, some]) => [emotion, [...some][0] ?? '']))

/** The face that a text shows: that of its first emoji with one, else neutral. */
export function emotionOf(text: string): { emotion: Emotion; text: string } {
  for (const letter of text) {
    const emotion = byFace.get(letter)
    if (emotion) return { emotion, text: letter }
  }
  return { emotion: 'neutral', text: faceOf.get('neutral') ?? '' }
}
