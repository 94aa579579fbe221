import DefaultTheme from 'vitepress/theme';
import SizingCalculator from './SizingCalculator.vue';
import './style.css';

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }: { app: { component(name: string, component: unknown): void } }) => {
    app.component('SizingCalculator', SizingCalculator);
  },
};
