import type { Rgb } from './plan.js'

/** ImageNet's mean and standard deviation of each channel, of pixels in 0–1: what torchvision's and timm's weights were trained with. */
export const IMAGENET_MEAN: Rgb = [0.485, 0.456, 0.406]
export const IMAGENET_STD: Rgb = [0.229, 0.224, 0.225]
