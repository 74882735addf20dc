import { DEFAULT_RECIPE } from './default/recipe.js'
import { NOTEBOOK_RECIPE } from './notebook/recipe.js'
import type { RecipeName } from './options.js'
import type { Recipe } from './recipe.js'

export const RECIPE_OF: Readonly<Record<RecipeName, Recipe>> = { default: DEFAULT_RECIPE, notebook: NOTEBOOK_RECIPE }
