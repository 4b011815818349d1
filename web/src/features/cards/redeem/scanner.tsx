import { Alert, Modal } from 'antd'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import style from './redeem.module.css'

type Detector = { detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]> }
type DetectorClass = { new (options: { formats: string[] }): Detector }

/** Pictures that are looked at in a second. */
const looksPerSecond = 8
const largestSide = 640

/** Looks for a QR code through the camera. `onFound` is asked with each text, and says whether it was the right one. */
export function Scanner({ onFound, onClose }: { onFound: (text: string) => boolean; onClose: () => void }) {
  const { t } = useTranslation('cards')
  const video = useRef<HTMLVideoElement>(null)
  const [isRefused, setRefused] = useState(false)
  const found = useEffectEvent(onFound)

  useEffect(() => {
    const leaving = new AbortController()
    watch(video, found, leaving.signal).catch(() => {
      if (!leaving.signal.aborted) setRefused(true)
    })
    return () => leaving.abort()
  }, [])

  return (
    <Modal open title={t('redeem.scan')} footer={null} onCancel={onClose} destroyOnHidden>
      {isRefused ? (
        <Alert type="warning" showIcon title={t('redeem.noCamera')} />
      ) : (
        <>
          <video ref={video} className={style.video} playsInline muted aria-label={t('redeem.scanning')} />
          <p className={style.note}>{t('redeem.scanning')}</p>
        </>
      )}
    </Modal>
  )
}

async function watch(
  video: { current: HTMLVideoElement | null },
  onFound: (text: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { facingMode: 'environment', width: { ideal: 1280 } },
  })
  const stop = () => {
    for (const track of stream.getTracks()) track.stop()
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted || !video.current) return stop()
  video.current.srcObject = stream
  await video.current.play()
  const read = await createReader()
  while (!signal.aborted && video.current) {
    const text = await read(video.current)
    if (text !== null && !signal.aborted && onFound(text)) return
    await new Promise(resolve => setTimeout(resolve, 1000 / looksPerSecond))
  }
}

/** The browser's own detector where it has one, else a decoder that is fetched now. */
async function createReader(): Promise<(video: HTMLVideoElement) => Promise<string | null>> {
  const BarcodeDetector = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  if (BarcodeDetector) {
    try {
      const detector = new BarcodeDetector({ formats: ['qr_code'] })
      return async video => (await detector.detect(video))[0]?.rawValue ?? null
    } catch {
      // It is there without knowing QR codes.
    }
  }
  const { decodeQR } = await import('qr/decode.js')
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  return async video => {
    const scale = Math.min(1, largestSide / Math.max(video.videoWidth, video.videoHeight, 1))
    canvas.width = Math.round(video.videoWidth * scale)
    canvas.height = Math.round(video.videoHeight * scale)
    if (!context || canvas.width === 0) return null
    context.drawImage(video, 0, 0, canvas.width, canvas.height)
    try {
      return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height))
    } catch {
      // No code in this picture.
      return null
    }
  }
}
